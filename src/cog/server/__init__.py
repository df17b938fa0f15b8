"""Where ``python -m cog.server.http`` lives. Nothing is imported here."""
