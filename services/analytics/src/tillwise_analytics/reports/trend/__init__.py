"""How do sales go?"""
