"""What makes features of an image, below :mod:`privxray.imaging.features`.

pinned_files       the network's files, checked by their SHA-256
efficientnet_lite  the built-in network in torch, from its pinned weights
torch_engine       features by that network
built_in_graph     the same network as an ONNX graph, as far as new plans read it; made once, and packaged
classifier_graph   extractor and head as one graph, for others to run
file_extractor     an extractor out of a file that hospitals bring along; below it are
graph_process      ... the parent's end of the process that runs such a graph
graph_child        ... the child's end
graph_refusals     ... what a person is told of a graph that is not run
graph_rules        ... what such a graph may be
onnx_session       a graph that is ready to run, by onnxruntime
"""
