"""Where feeds come from: a file for each service, account → feeds."""
