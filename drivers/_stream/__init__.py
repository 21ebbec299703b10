"""Drivers for runtimes whose queues are streams: CUDA, HIP.

What they do is here, over a table of the vendor's calls (`StreamCalls`). A driver of one vendor is
that table, what tells whether the vendor's library is here, and its kernels.
"""
