"""When hosts hear of the answers of their guests."""

AT_ONCE, DAILY, NEVER = "at_once", "daily", "never"
