"""The waiting list: who gets seats that become free, in which order, and why."""
