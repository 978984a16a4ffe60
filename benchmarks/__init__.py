"""What the site takes beside other frameworks, and beside an older commit of itself: see README.md in this folder."""
