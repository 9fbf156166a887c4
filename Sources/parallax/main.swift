print("parallax: not written yet")
