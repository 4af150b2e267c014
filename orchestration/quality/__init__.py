"""Gates: of rows against their contract, and of tables against their rules."""
