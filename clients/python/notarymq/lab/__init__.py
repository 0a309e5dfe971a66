"""The lab "securing a distributed messaging service", against any broker."""
