"""Networks as Keras models: the three of the paper, a residual network, a vision transformer and a mixer."""

from keras_sharpness.models.dropout import Dropout as Dropout
from keras_sharpness.models.fcnn import fcnn as fcnn
from keras_sharpness.models.gat import gat as gat
from keras_sharpness.models.graph_attention import GraphAttention as GraphAttention
from keras_sharpness.models.lenet5 import lenet5 as lenet5
from keras_sharpness.models.mlp_mixer import mlp_mixer as mlp_mixer
from keras_sharpness.models.resnet20 import resnet20 as resnet20
from keras_sharpness.models.vit import Tokens as Tokens
from keras_sharpness.models.vit import vit as vit
