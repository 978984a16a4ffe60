"""RSVPs: what guests answer, offers they claim, approval by the host, and the guest list."""
