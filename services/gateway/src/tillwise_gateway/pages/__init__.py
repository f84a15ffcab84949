"""The pages of the shop owner: rendered here, usable without JavaScript, drawn with it."""
