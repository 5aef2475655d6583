"""The page of a run: what its data hold; `static/atlas.js` draws them."""
