"""The queue: what is due is promoted, claimed under a lease, and settled by whoever still holds the lease.

All of it works on an open transaction of the control plane and takes the time as a number, so
that it can be tested without waiting; :func:`clock.database_now` is where that number comes from.
"""
