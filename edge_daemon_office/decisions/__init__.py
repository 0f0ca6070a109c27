"""The office's decisions: corrections, confirmations and excuses, signed with the office key for the devices."""
