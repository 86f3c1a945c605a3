"""What makes features of an image, below :mod:`privxray.imaging.features`.

pinned_files       the network's files, checked by their SHA-256
efficientnet_lite  the built-in network in torch, from its pinned weights
torch_engine       features by that network
built_in_graph     the same network as an ONNX graph, as far as new plans read it; made once, and packaged
onnx_session       a graph that is ready to run, by onnxruntime
"""
