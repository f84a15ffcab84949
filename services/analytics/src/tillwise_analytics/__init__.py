"""The facts and the reports of Tillwise."""
