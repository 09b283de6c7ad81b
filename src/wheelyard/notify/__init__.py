"""Messages to people: mail, web hooks, chat."""
