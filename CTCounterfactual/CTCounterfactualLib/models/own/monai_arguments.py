"""Arguments that a card may give a MONAI network without anybody's consent: sizes and layer names.

Some of MONAI's networks fetch weights from an address, or load files, if an argument says so (or
doesn't say otherwise). So networks, arguments and their values are taken from a list of what is
known to do neither; whatever isn't on it needs a Python file, for which the user is asked.
"""

from __future__ import annotations

import inspect
import math
import re
from typing import Any

from ...errors import ModelError
from ...suggest import suggest

# Classes of monai.networks.nets (MONAI 1.3 to 1.6) that are built from sizes alone.
# fmt: off
NETWORKS = frozenset((
    "AHNet", "AttentionUnet", "AutoEncoder", "AutoencoderKL", "BasicUNet", "BasicUNetPlusPlus",
    "Classifier", "DenseNet", "DenseNet121", "DenseNet169", "DenseNet201", "DenseNet264",
    "Discriminator", "DynUNet", "EfficientNetBN", "FlexibleUNet", "FullyConnectedNet",
    "HighResNet", "MedNeXt", "Regressor", "ResNet", "ResNetFeatures", "SENet", "SENet154",
    "SEResNext101", "SEResNext50", "SEResNet101", "SEResNet152", "SEResNet50", "SegResNet",
    "SegResNetDS", "SegResNetDS2", "SegResNetVAE", "SwinUNETR", "UNETR", "UNet", "VNet", "VQVAE",
    "VarAutoEncoder", "VarFullyConnectedNet", "ViT", "ViTAutoEnc",
))
ARGUMENTS = frozenset((
    "act", "act_name", "acti_type", "adn_ordering", "adv_prop", "attention_levels",
    "attn_drop_rate", "bias", "bias_downsample", "block", "block_config", "block_inplanes",
    "blocks_bottleneck", "blocks_down", "blocks_up", "bn_size", "bottleneck_expansion_ratio",
    "backbone", "channels", "channel_matching", "classes", "classification", "commitment_cost",
    "conv1_t_size", "conv1_t_stride", "conv_block", "decay", "decode_channels", "decoder_bias",
    "decoder_channels", "decoder_expansion_ratio", "deconv_chns", "deep_supervision",
    "deep_supr_num", "depths", "downsample", "downsample_kernel_size", "downsample_parameters",
    "drop_rate", "dropout", "dropout_dim", "dropout_path_rate", "dropout_prob",
    "dropout_prob_down", "dropout_prob_up", "dropout_rate", "dsdepth", "embedding_dim",
    "embedding_init", "encode_channels", "encoder_expansion_ratio", "epsilon", "feature_size",
    "features", "feed_forward", "filters", "global_resp_norm", "groups", "growth_rate",
    "hidden_channels", "hidden_size", "img_size", "in_channels", "in_shape", "include_fc",
    "init_features", "init_filters", "inplanes", "input_3x3", "input_image_size", "inter_channels",
    "inter_dilations", "interp_mode", "is_pad", "kernel_size", "last_act", "latent_channels",
    "latent_size", "layers", "mlp_dim", "mlp_ratio", "model_name", "n_input_channels",
    "no_max_pool", "norm", "norm_eps", "norm_name", "norm_num_groups", "norm_type", "normalize",
    "num_classes", "num_embeddings", "num_groups", "num_heads", "num_inter_units", "num_layers",
    "num_res_blocks", "num_res_channels", "num_res_layers", "num_res_units", "out_channels",
    "out_shape", "output_act", "padding", "patch_norm", "patch_size", "pos_embed_type",
    "post_activation", "pre_conv", "proj_type", "psp_block_num", "qkv_bias", "reduction",
    "res_block", "resolution", "save_attn", "shortcut_type", "spatial_dims", "strides",
    "trans_bias", "up_kernel_size", "upsample", "upsample_kernel_size", "upsample_mode",
    "upsample_parameters", "use_checkpoint", "use_combined_linear", "use_conv_final",
    "use_convtranspose", "use_flash_attention", "use_mean_at_inference",
    "use_residual_connection", "use_sigmoid", "use_v2", "vae_default_std", "vae_estimate_std",
    "vae_nz", "widen_factor", "window_size", "with_decoder_nonlocal_attn",
    "with_encoder_nonlocal_attn",
))
# Of a layer that is given as (name, {...}).
LAYER_ARGUMENTS = frozenset((
    "affine", "alpha", "elementwise_affine", "eps", "inplace", "init", "momentum",
    "negative_slope", "num_channels", "num_groups", "num_parameters", "normalized_shape", "p",
    "track_running_stats",
))
# Fetched weights are the default of some; here they come from the card.
PRETRAINED = "pretrained"
# Counts of layers: each is a part in memory, however narrow.
COUNTS = frozenset((
    "block_config", "blocks_bottleneck", "blocks_down", "blocks_up", "deep_supr_num", "depths",
    "dsdepth", "layers", "num_inter_units", "num_layers", "num_res_blocks", "num_res_layers",
    "num_res_units", "psp_block_num",
))
MOST_LAYERS, MOST_CODES, MOST_SIZE = 512, 1 << 20, 1 << 13
MOST_ITEMS, MOST_DEPTH, MOST_NUMBER = 64, 3, 1e6
# fmt: on

# Names of layers and variants: nothing that could be a path, an address or an expression.
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}\Z")


def check_arguments(network: type, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments for a network of MONAI if all are known to be harmless.

    Weights that it would fetch by itself are declined.

    Raises
    ------
    ModelError
        Naming the network, argument or value that isn't on the list.
    """
    name = network.__name__
    if name not in NETWORKS:
        raise ModelError(
            f"MONAI's {name} isn't among the networks that are built without asking, as it may "
            f"fetch or load more than sizes. {suggest(name, sorted(NETWORKS))} Or build it in a "
            f"Python file (source type python)."
        )
    takes = inspect.signature(network).parameters
    for key, value in arguments.items():
        if key == PRETRAINED and value is False:
            continue
        if key not in ARGUMENTS:
            known = sorted(ARGUMENTS & set(takes)) or sorted(ARGUMENTS)
            raise ModelError(
                f"The card gives MONAI's {name} the argument {str(key)[:40]!r}, which isn't among "
                f"those taken without asking. {name} doesn't take these arguments here: use "
                f"sizes and layers only ({suggest(str(key), known)}), or a Python file."
            )
        _check(key, value, MOST_DEPTH)
        if key in COUNTS and _total(value) > MOST_LAYERS:
            raise _refused(key, value, f"at most {MOST_LAYERS} layers in all")
    declined = {PRETRAINED: False} if PRETRAINED in takes else {}
    return {**arguments, **declined}


def _check(key: str, value: Any, depth: int) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        most = MOST_CODES if key == "num_embeddings" else MOST_SIZE
        if not 0 <= value <= most:
            raise _refused(key, value, f"a whole number from 0 to {most}")
    elif isinstance(value, float):
        if not math.isfinite(value) or abs(value) > MOST_NUMBER:
            raise _refused(key, value, f"a number of at most {MOST_NUMBER:g}")
    elif isinstance(value, str):
        if not _WORD.match(value):
            raise _refused(key, value, "the name of a layer or variant, one word")
    elif isinstance(value, list | tuple) and len(value) <= MOST_ITEMS and depth:
        for item in value:
            _check(key, item, depth - 1)
    elif isinstance(value, dict) and set(value) <= LAYER_ARGUMENTS and depth:
        for item in value.values():
            _check(key, item, depth - 1)
    else:
        raise _refused(key, value, "numbers, words, short lists of them, or a layer's own numbers")


def _total(value: Any) -> int:
    if isinstance(value, list | tuple):
        return sum(map(_total, value))
    return value if isinstance(value, int) else 0


def _refused(key: str, value: Any, expected: str) -> ModelError:
    shown = "a number of hundreds of digits"
    if not isinstance(value, int) or value.bit_length() < 512:
        shown = repr(value)[:60]
    return ModelError(
        f"The card's argument {key} = {shown} for a MONAI network isn't taken without asking; "
        f"expected {expected}."
    )
