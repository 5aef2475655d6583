"""The page of a comparison: what its data hold of results, sentences and roles; `static/comparison.js` draws them."""
