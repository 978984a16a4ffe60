"""Personal data of parties: export, erasure and retention."""
