"""A neural network in NumPy: layers with hand-written derivatives, loss functions, and training by gradient descent.

It uses no framework, so that every step can be read. `network.py` holds the layers in order, `training.py` trains them,
`gradient_check.py` compares the derivatives with finite differences.

Arrays of pictures have the shape (examples, height, width, channels).
"""
