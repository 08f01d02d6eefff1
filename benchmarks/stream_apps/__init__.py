"""The streaming contenders: each serves `/lines` (1,000 lines of JSON) and `/events` (200 Server-Sent Events)."""
