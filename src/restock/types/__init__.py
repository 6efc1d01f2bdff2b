"""Types that the other packages share: panel, folds, features, anchors, forecast."""
