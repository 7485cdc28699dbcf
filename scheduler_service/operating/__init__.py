"""An operator's own looks and cleanings, beside a service that may be at work."""
