"""The only room that writes SQL. Every function takes the database it works on."""
