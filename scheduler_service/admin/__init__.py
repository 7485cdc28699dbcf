"""An operator's own checks and cleanings, beside a service that may be at work."""
