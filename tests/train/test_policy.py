"""The policy as training gets it."""

import pytest
from peft.tuners.lora import Linear

from components.contracts import ModelEntry
from components.params import load_params
from components.train.callbacks import save_adapter
from components.train.policy import continued_policy, fresh_policy
from tests.tiny import save_tiny


@pytest.mark.parametrize("recomputed", [False, True])
def test_a_new_policy_and_one_that_is_gone_on_from_have_fused_layers_that_train(tmp_path, recomputed):
    folder = save_tiny(tmp_path / "tiny")
    entry = ModelEntry(name="tiny", path=str(folder), fingerprint="0", has_chat_template=False, num_parameters=1)
    train = load_params().train.model_copy(update={"activation_checkpointing": recomputed})
    fresh = fresh_policy(entry, "float32", train)
    save_adapter(fresh, tmp_path / "adapter", "tiny")
    for policy in (fresh, continued_policy(entry, "float32", train, tmp_path / "adapter")):
        layers = [module for module in policy.modules() if isinstance(module, Linear)]
        assert layers
        assert all("forward" in vars(layer) for layer in layers)
        trained = {name for name, parameter in policy.named_parameters() if parameter.requires_grad}
        assert trained
        assert all("lora_" in name for name in trained)
        assert policy.get_base_model().get_decoder().gradient_checkpointing == recomputed
