"""The receiver's kit: an endpoint on this machine that checks what arrives as a consumer's own should, and shows it.

It stands for the other side, so it uses nothing of the platform but the check of signatures.
"""
