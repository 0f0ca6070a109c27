"""What comes back from the office: checked on arrival, put into force between lessons."""
