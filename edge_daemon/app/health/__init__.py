"""What `status` and `doctor` say."""
