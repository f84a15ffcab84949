"""How old is what lies in stock, and what does not sell any more?"""
