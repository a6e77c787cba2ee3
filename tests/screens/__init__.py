"""Every screen of M1 with content that a person would meet, and a camera: to look for barriers, and for pictures."""
