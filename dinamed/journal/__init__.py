"""What has happened: the last events, and the file that keeps them."""
