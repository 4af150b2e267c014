"""Accounting: postings, budget, accounts and cost centres, as files that somebody drops into a folder."""
