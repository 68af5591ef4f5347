"""Losses against hand-made numbers; attention transfer that really transfers; a loss of somebody's own."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.special import softmax
from scipy.stats import entropy
from sklearn.metrics import r2_score

from har_ray.errors import ExtensionError
from har_ray.losses import LOSSES, Loss, needs_maps, needs_teacher
from har_ray.losses.attention_transfer import AttentionTransfer
from har_ray.losses.cross_entropy import CrossEntropy
from har_ray.losses.distillation import Distillation
from har_ray.losses.objective import Objective
from har_ray.models.architectures import Outputs, outputs
from har_ray.models.config import AttentionConfig
from tests.models.networks import network
from tests.two_ranks import together

KINDS = {
    "channel": AttentionConfig(kind="channel", ratio=2, position=1),
    "spatial": AttentionConfig(kind="spatial", kernel=3, position=2),
    "cbam": AttentionConfig(kind="cbam", ratio=2, kernel=3, position=3),
}


Y = torch.zeros(40)


def only(logits):
    return Outputs(logits, {})


def test_distillation_is_t_squared_kl_of_teacher_to_student():
    student, teacher, t = np.array([[1.0, 2.0, 0.0]]), np.array([[3.0, 1.0, 0.5]]), 4.0
    expected = t**2 * entropy(softmax(teacher[0] / t), softmax(student[0] / t))
    found = Distillation(t, 0.5)(only(torch.tensor(student)), torch.tensor([0]), only(torch.tensor(teacher)))
    assert found.tolist() == pytest.approx([expected])


def test_distillation_is_zero_for_a_perfect_student_at_any_temperature():
    logits = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    for temperature in (1.0, 4.0, 15.0):
        found = Distillation(temperature, 0.5)(only(logits), torch.zeros(5), only(logits))
        assert found.abs().max() < 1e-4


def test_decoupled_distillation_weighs_what_the_label_and_the_other_classes_say():
    student, teacher, t = np.array([1.0, 2.0, 0.0, -1.0]), np.array([3.0, 1.0, 0.5, 0.0]), 4.0
    p, q = softmax(teacher / t), softmax(student / t)
    label = entropy([p[1], 1 - p[1]], [q[1], 1 - q[1]])
    others = entropy(softmax(np.delete(teacher, 1) / t), softmax(np.delete(student, 1) / t))
    loss = LOSSES.make("decoupled-distillation", {"temperature": t, "target": 2.0, "non_target": 3.0})
    outputs = (only(torch.tensor(one[None])) for one in (student, teacher))
    found = loss(next(outputs), torch.tensor([1]), next(outputs))
    assert found.item() == pytest.approx(t**2 * (2 * label + 3 * others))


def test_with_the_teachers_doubt_as_weight_decoupled_distillation_is_plain_distillation():
    """Equation 7 of the paper: KD = TCKD + (1 - p of the label) · NCKD."""
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(1, 7, generator=generator, dtype=torch.float64) for _ in range(2))
    doubt = 1 - torch.softmax(teacher / 2, dim=1)[0, 3].item()
    decoupled = LOSSES.make("decoupled-distillation", {"temperature": 2.0, "non_target": doubt})
    outputs = (only(student), torch.tensor([3]), only(teacher))
    torch.testing.assert_close(decoupled(*outputs), Distillation(2.0, 0.5)(*outputs))


def test_relational_distillation_compares_correlations_over_classes_and_over_windows():
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(5, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    q, p = (softmax(one.numpy() / 2, axis=1) for one in (student, teacher))
    inter = [1 - np.corrcoef(q[i], p[i])[0, 1] for i in range(5)]
    intra = np.mean([1 - np.corrcoef(q[:, k], p[:, k])[0, 1] for k in range(3)])
    loss = LOSSES.make("relational-distillation", {"temperature": 2.0, "inter": 0.5, "intra": 3.0})
    found = loss(only(student), torch.zeros(5), only(teacher))
    assert found.tolist() == pytest.approx([4 * (0.5 * one + 3 * intra) for one in inter], rel=1e-4)


def test_relational_distillation_asks_for_the_teachers_order_not_for_its_confidence():
    teacher = torch.randn(40, 7, generator=torch.Generator().manual_seed(0))
    loss = LOSSES.make("relational-distillation", {"temperature": 1.0})
    p = torch.softmax(teacher, dim=1)
    flatter = torch.log(0.5 * p + 0.5 / 7)
    assert loss(only(flatter), torch.zeros(40), only(teacher)).abs().max() < 1e-4
    constant = loss(only(torch.zeros(40, 7)), torch.zeros(40), only(teacher))
    assert constant.tolist() == pytest.approx([2.0] * 40, abs=1e-3)


def correlated_on_a_rank(rank, folder):
    torch.save(relations_of(slice(rank, None, 2)), f"{folder}/{rank}.pt")


def relations_of(rows):
    """The loss of each of these windows, and the gradient of their sum."""
    generator = torch.Generator().manual_seed(0)
    logits, teacher = (torch.randn(9, 4, generator=generator) for _ in range(2))
    mine = logits[rows].requires_grad_()
    loss = LOSSES.make("relational-distillation", {"temperature": 2.0})(only(mine), torch.zeros(9), only(teacher[rows]))
    loss.sum().backward()
    return loss.detach(), mine.grad


def test_ranks_that_share_a_batch_correlate_over_all_of_it(tmp_path):
    together(correlated_on_a_rank, tmp_path)
    losses, gradient = relations_of(slice(None))
    for rank in range(2):
        found, slope = torch.load(tmp_path / f"{rank}.pt")
        torch.testing.assert_close(found, losses[rank::2], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(slope, gradient[rank::2], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("decoupled-distillation", {"temperature": 0}, "temperature 0 is not above 0"),
        ("decoupled-distillation", {"temperature": 1, "target": -1.0}, "target -1 or non_target 8 is below 0"),
        ("relational-distillation", {"temperature": -2}, "temperature -2 is not above 0"),
        ("relational-distillation", {"temperature": 1, "intra": -1.0}, "inter 1 or intra -1 is below 0"),
    ],
)
def test_distillation_out_of_range_is_refused(name, options, message):
    with pytest.raises(ExtensionError, match=f"{name}: {message}"):
        LOSSES.make(name, options)


def test_alpha_weighs_the_cross_entropy():
    logits, teacher, y = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]]), torch.tensor([0])
    objective = Objective({"distillation": {"temperature": 1.0, "alpha": 0.9}})
    total, label_loss, distilled = objective(only(logits), y, only(teacher))
    cross_entropy = math.log(1 + math.exp(-2))
    kl = -math.log(2) - 0.5 * (-cross_entropy + -cross_entropy - 2)
    assert objective.names == ["cross-entropy", "distillation"]
    assert label_loss.item() == pytest.approx(cross_entropy)
    assert distilled.item() == pytest.approx(kl)
    assert total.item() == pytest.approx(0.9 * cross_entropy + 0.1 * kl)


def test_beta_weighs_the_attention_transfer_beside_the_others():
    maps = {"spatial": torch.zeros(1, 2, 2)}
    student, teacher = Outputs(torch.zeros(1, 2), maps), Outputs(torch.zeros(1, 2), {"spatial": torch.ones(1, 2, 2)})
    transfer = {"beta": 3.0, "attention_loss": "published"}
    objective = Objective({"distillation": {"temperature": 2, "alpha": 0.25}, "attention-transfer": transfer})
    total, *_ = objective(student, torch.tensor([0]), teacher)
    assert total.item() == pytest.approx(0.25 * math.log(2) + 0.75 * 0 + 3.0 * 1)


def test_without_a_teacher_the_loss_is_the_cross_entropy():
    logits, y = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])
    total, label_loss = Objective({})(only(logits), y, None)
    assert torch.equal(total, F.cross_entropy(logits, y, reduction="none"))
    assert torch.equal(total, label_loss)


def test_label_smoothing_shares_a_part_of_the_label_out_among_the_classes():
    logits, y = torch.tensor([[2.0, 0.0, 1.0]]), torch.tensor([0])
    log_p = np.log(softmax([2.0, 0.0, 1.0]))
    found = CrossEntropy(label_smoothing=0.3)(only(logits), y, None)
    assert found.item() == pytest.approx(-(0.8 * log_p[0] + 0.1 * log_p[1] + 0.1 * log_p[2]))


@pytest.mark.parametrize(
    ("class_weights", "expected"),
    # Of 16 training windows 12, 3 and 1 are of each class: as 1/12 to 1/3 to 1, or their roots, with 16 as the sum over
    # the windows; that of the inverses is 3, that of the roots √12 + √3 + 1.
    [("balanced", [4 / 9, 16 / 9, 16 / 3]), ("sqrt", [0.74543, 1.49086, 2.58225]), ("none", [1, 1, 1])],
)
def test_class_weights_come_from_the_training_windows_and_their_mean_is_1(class_weights, expected):
    labels = torch.tensor([0] * 12 + [1] * 3 + [2])
    objective = Objective({"cross-entropy": {"class_weights": class_weights}})
    objective.bind(only(torch.zeros(2, 3)), None, labels)
    total, label_loss = objective(only(torch.zeros(3, 3)), torch.tensor([0, 1, 2]), None)
    weights = total / math.log(3)
    assert weights.tolist() == pytest.approx(expected, abs=1e-4)
    assert float(weights[labels].mean()) == pytest.approx(1)
    assert torch.equal(total, label_loss)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_smoothing": 1.0}, "cross-entropy: label_smoothing 1 is not from 0 to below 1"),
        ({"class_weights": "root"}, "cross-entropy: class_weights 'root' is none of none, sqrt, balanced"),
    ],
)
def test_options_of_the_cross_entropy_out_of_range_are_refused(options, message):
    with pytest.raises(ExtensionError, match=message):
        Objective({"cross-entropy": options})


def test_the_published_attention_loss_is_the_mean_squared_difference_summed_over_the_maps():
    student = Outputs(torch.zeros(1, 2), {"channel": torch.tensor([[0.0, 1.0]]), "spatial": torch.zeros(1, 2, 2)})
    teacher = Outputs(torch.zeros(1, 2), {"channel": torch.tensor([[0.5, 1.0]]), "spatial": torch.full((1, 2, 2), 0.1)})
    published = AttentionTransfer(1.0, "published")
    assert published(student, torch.tensor([0]), teacher).item() == pytest.approx(0.125 + 0.01)


@pytest.mark.parametrize("attention_loss", ["centred", "published"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_attention_transfer_reaches_the_students_attention_and_trains_its_projection(kind, seed, attention_loss):
    torch.manual_seed(seed)
    x, y = torch.randn(8, 24, 6), torch.randint(0, 7, (8,))
    teacher = network("OM", (24, 6), 7, KINDS[kind])
    with torch.no_grad():
        taught = outputs(teacher, x)
    student = network("LM", (24, 6), 7, KINDS[kind])
    transfer = AttentionTransfer(1.0, attention_loss)
    found = outputs(student, x)
    transfer.bind(found, taught, Y)
    transferred = transfer(found, y, taught)
    assert transferred.min() > 0
    transferred.mean().backward()
    gradients = [p.grad for p in student.attention.parameters()]
    assert all(g is not None and g.abs().max() > 0 for g in gradients)
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in transfer.offsets.values())
    projection = list(transfer.projection.parameters())
    if kind == "spatial":
        assert not projection
    else:
        assert all(p.grad is not None and p.grad.abs().max() > 0 for p in projection)
        assert tuple(projection[0].shape) == (64, 4)


def test_equal_widths_need_no_projection():
    maps = Outputs(torch.zeros(1, 2), {"channel": torch.zeros(1, 8)})
    transfer = AttentionTransfer(1.0)
    transfer.bind(maps, maps, Y)
    assert not list(transfer.projection.parameters())


def some_maps(seed, mean, windows=40):
    """Channel and spatial maps of different variance."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {"channel": ((windows, 8), 0.02), "spatial": ((windows, 5, 3), 0.1)}
    maps = {name: mean + sd * torch.randn(*shape, generator=generator) for name, (shape, sd) in shapes.items()}
    return Outputs(torch.zeros(windows, 2), maps)


def constant(like, value):
    return Outputs(like.logits, {name: torch.full_like(values, value) for name, values in like.maps.items()})


def bound(student, teacher, beta=1.0):
    transfer = AttentionTransfer(beta)
    transfer.bind(student, teacher, Y)
    return transfer


def test_a_constant_map_scores_1_and_one_that_follows_the_teachers_0_whatever_their_means():
    teacher = some_maps(0, mean=0.3, windows=2000)
    follows = Outputs(teacher.logits, {name: values + 0.2 for name, values in teacher.maps.items()})
    otherwise = some_maps(1, mean=0.5, windows=2000)
    for student, expected, within in (
        (constant(teacher, 0.9), 1.0, 1e-5),
        (follows, 0.0, 1e-5),
        (otherwise, 2.0, 0.1),  # independent maps of the same variance differ by twice that
    ):
        transfer = bound(student, teacher)
        assert transfer(student, torch.zeros(2000), teacher).mean().item() / 2 == pytest.approx(expected, abs=within)
        r2 = transfer.diagnostics(student, Y, teacher)
        assert list(r2) == ["attention_r2_channel", "attention_r2_spatial"]
        assert list(r2.values()) == pytest.approx([1 - expected] * 2, abs=within)


def test_centred_r2_is_that_of_scikit_learn():
    teacher, student = some_maps(0, mean=0.3), some_maps(0, mean=0.3)
    student.maps["channel"].mul_(0.5)
    student.maps["spatial"].add_(0.1 * torch.randn(40, 5, 3, generator=torch.Generator().manual_seed(2)))
    found = bound(student, teacher).diagnostics(student, Y, teacher)
    for name, value in found.items():
        one, other = (m.maps[name.removeprefix("attention_r2_")].flatten(1) for m in (student, teacher))
        one, other = ((m - m.mean(dim=0)).flatten().numpy() for m in (one, other))
        assert value == pytest.approx(r2_score(other, one), abs=1e-5)


def test_the_published_loss_is_met_by_a_constant_that_the_centred_one_is_not_fooled_by():
    teacher = some_maps(0, mean=0.3)
    student = constant(teacher, 0.3)
    published = AttentionTransfer(1.0, "published")
    assert published(student, Y, teacher).mean() < 0.02
    assert bound(student, teacher)(student, Y, teacher).mean() > 1.9
    assert published.diagnostics(student, Y, teacher)["attention_r2_spatial"] == pytest.approx(0, abs=1e-5)


def test_a_batch_has_the_same_loss_in_one_piece_and_shared_by_ranks():
    """Statistics of a batch would make the curve depend on the number of workers."""
    student, teacher = some_maps(1, mean=0.5), some_maps(0, mean=0.3)
    transfer = bound(student, teacher)

    def loss(rows):
        one, other = (Outputs(o.logits[rows], {n: m[rows] for n, m in o.maps.items()}) for o in (student, teacher))
        return transfer(one, Y[rows], other)

    whole = loss(torch.arange(40))
    for rank in range(2):
        assert torch.allclose(loss(torch.arange(rank, 40, 2)), whole[rank::2])


def test_a_teacher_whose_map_is_constant_has_nothing_to_transfer():
    teacher, student = some_maps(0, mean=0.3), some_maps(1, mean=0.5)
    teacher.maps["channel"].fill_(0.7)
    transfer = bound(student, teacher)
    both, spatial = (transfer(student, Y, Outputs(teacher.logits, maps)) for maps in (
        teacher.maps, {"spatial": teacher.maps["spatial"]}
    ))  # fmt: skip
    assert torch.equal(both, spatial)
    assert list(transfer.diagnostics(student, Y, teacher)) == ["attention_r2_spatial"]


def test_beta_0_compares_and_does_not_train_the_student():
    student, teacher = some_maps(1, mean=0.5), some_maps(0, mean=0.3)
    student.maps["channel"] = torch.rand(40, 4)  # narrower, so projected
    maps = {name: values.requires_grad_() for name, values in student.maps.items()}
    transfer, control = (bound(student, teacher, beta) for beta in (1.0, 0.0))
    control.load_state_dict(transfer.state_dict())
    losses = [one(student, Y, teacher) for one in (transfer, control)]
    assert torch.equal(*losses)
    losses[1].mean().backward()
    assert all(values.grad is None for values in maps.values())
    assert control.projection.weight.grad.abs().max() > 0
    assert control.weight == 1.0


def test_what_a_loss_needs_decides_the_teacher():
    assert LOSSES.names() == [
        "attention-transfer", "cross-entropy", "decoupled-distillation", "distillation", "relational-distillation",
    ]  # fmt: skip
    assert (needs_teacher([]), needs_maps([])) == (False, False)
    assert (needs_teacher(["distillation"]), needs_maps(["distillation"])) == (True, False)
    assert needs_maps(["distillation", "attention-transfer"])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("distillation", {"temperature": 0, "alpha": 0.5}, "distillation: temperature 0 is not above 0"),
        ("distillation", {"temperature": 1, "alpha": 1.5}, "distillation: alpha 1.5 is not between 0 and 1"),
        ("attention-transfer", {"beta": -1}, "attention-transfer: beta -1 is below 0"),
        (
            "attention-transfer",
            {"beta": 1, "attention_loss": "mean"},
            "attention_loss 'mean' is unknown; expected centred or published",
        ),
        ("distilation", {}, "loss 'distilation' is unknown; did you mean 'distillation'"),
    ],
)
def test_a_loss_that_cannot_be_made_says_why(name, options, message):
    with pytest.raises(ExtensionError, match=message):
        LOSSES.make(name, options)


class Scalar(Loss):
    def forward(self, student, y, teacher):
        return student.logits.sum()


class Broken(Loss):
    def forward(self, student, y, teacher):
        return student.logits[99]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Scalar", r"test_losses:Scalar: gave \[\] for 2 windows, expected one value for each"),
        ("Broken", r"test_losses:Broken: IndexError: .*\(.*test_losses.py:\d+\)"),
    ],
)
def test_an_error_in_somebodys_loss_names_it_and_the_line(name, message):
    objective = Objective({f"{__name__}:{name}": {"weight": 2.0}})
    with pytest.raises(ExtensionError, match=message):
        objective(only(torch.zeros(2, 3)), torch.tensor([0, 1]), None)


class Gap(Loss):
    def forward(self, student, y, teacher):
        return student.logits.sum(dim=1)

    def diagnostics(self, student, y, teacher):
        return {"widest": student.logits.max().item()}


def test_what_a_loss_says_of_validation_windows_has_a_column_with_its_name():
    objective = Objective({f"{__name__}:Gap": {}, "attention-transfer": {"beta": 1.0}})
    teacher = some_maps(0, mean=0.3)
    assert objective.diagnostics(teacher, Y, teacher) == {
        "Gap.widest": 0.0, "attention_r2_channel": 1.0, "attention_r2_spatial": 1.0,
    }  # fmt: skip
