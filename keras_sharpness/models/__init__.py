"""The three networks of the paper, as Keras models."""

from keras_sharpness.models.dropout import Dropout as Dropout
from keras_sharpness.models.fcnn import fcnn as fcnn
from keras_sharpness.models.gat import gat as gat
from keras_sharpness.models.graph_attention import GraphAttention as GraphAttention
from keras_sharpness.models.lenet5 import lenet5 as lenet5
