"""The mask network: three classes of one face."""
