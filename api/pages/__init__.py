"""The web pages: HTML made on the server, live where JavaScript is there."""
