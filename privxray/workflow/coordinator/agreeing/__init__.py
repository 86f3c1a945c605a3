"""What a coordinator does for hybrid masks: it collects the hospitals' agreements and plans on with them."""
