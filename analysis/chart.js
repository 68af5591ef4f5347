// The charts to explore: analysis/chart.py has what they show; this puts in the chosen axes, lets Vega-Lite draw, and
// says what a model's point stands for, under the pointer or from the keyboard.
"use strict";
{
  const STEP = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const GAP = 12;
  const tip = document.getElementById("tip");

  const element = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });

  const isShown = (variant) => document.querySelector(`#variants input[name="${CSS.escape(variant)}"]`)?.checked ?? true;

  const said = ({ variant, details }) =>
    [variant, ...Object.entries(details).map(([title, text]) => `${title} ${text}`)].join("; ");

  const hideTip = () => {
    tip.hidden = true;
  };

  const showTip = ({ variant, details }, { left, top, right, bottom }) => {
    const list = document.createElement("dl");
    for (const [title, text] of Object.entries(details)) list.append(element("dt", title), element("dd", text));
    tip.replaceChildren(element("strong", variant), list);
    tip.hidden = false;
    const { clientWidth, clientHeight } = document.documentElement;
    const { width, height } = tip.getBoundingClientRect();
    const beside = right + GAP + width < clientWidth ? right + GAP : left - GAP - width;
    tip.style.left = `${Math.max(4, Math.min(beside, clientWidth - width - 4)) + scrollX}px`;
    const fits = beside >= 4 || bottom + GAP + height < clientHeight;
    const y = beside >= 4 ? top : fits ? bottom + GAP : top - GAP - height;
    tip.style.top = `${Math.max(4, Math.min(y, clientHeight - height - 4)) + scrollY}px`;
  };

  // One stop of the Tab key, among whose points arrows move, from left to right.
  const makeKeyboard = (card) => {
    const points = [...card.querySelectorAll(".points_marks path")];
    const x = (point) => point.getBoundingClientRect().x;
    points.sort((a, b) => x(a) - x(b));
    for (const [place, point] of points.entries()) {
      point.tabIndex = place ? -1 : 0;
      point.addEventListener("focus", () => showTip(point.__data__.datum, point.getBoundingClientRect()));
      point.addEventListener("blur", hideTip);
      point.addEventListener("keydown", (event) => {
        const next = points[place + STEP[event.key]];
        if (!(event.key in STEP)) return;
        event.preventDefault();
        if (!next) return;
        point.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      });
    }
  };

  const rows = (models, x, y) =>
    models
      .filter((model) => isShown(model.variant) && x in model.costs && y in model.scores)
      .map((model) => {
        const [mean, low, high] = model.scores[y];
        return { ...model, x: model.costs[x], y: mean, low, high, said: said(model) };
      })
      .filter((row) => row.x > 0); // a logarithm has no zero

  const NEEDS = { bars: "low", bubbles: "params" };

  const NARROW = 500; // pixels, in which two columns of the legend do not stand side by side

  const withAxes = (spec, values, x, y, width) => {
    const drawn = structuredClone(spec);
    drawn.data = { values };
    // Vega warns of a mark that no row has the numbers for.
    const hasRows = ({ name }) => !(name in NEEDS) || values.some((row) => row[NEEDS[name]] !== null);
    drawn.layer = drawn.layer.filter(hasRows);
    Object.assign(drawn.encoding.x.axis, { title: x.title, format: x.format });
    drawn.encoding.y.axis.title = y;
    drawn.config.legend.columns = width < NARROW ? 1 : 2;
    return drawn;
  };

  for (const box of document.querySelectorAll(".chart")) {
    const { title, models, x, y, spec, labels } = JSON.parse(box.querySelector("script").textContent);
    const [card, absent] = [box.querySelector(".card"), box.querySelector(".note")];
    const chosen = (name) => box.querySelector(`select[name=${name}]`).value;
    let view = null;

    const draw = async () => {
      const values = rows(models, chosen("x"), chosen("y"));
      const others = models.filter((model) => isShown(model.variant) && !values.some((row) => row.variant === model.variant));
      absent.textContent = others.length ? `Without a number on these axes: ${others.map((m) => m.variant).join(", ")}.` : "";
      const drawn = withAxes(spec, values, x[chosen("x")], y[chosen("y")], card.clientWidth);
      drawn.description = `Score against cost: ${title}`;
      view?.finalize();
      if (!values.length) {
        card.replaceChildren();
        return;
      }
      view = await vegaEmbed(card, drawn, {
        mode: "vega-lite",
        renderer: "svg",
        actions: false,
        patch: [{ op: "add", path: "/marks/-", value: labels }],
        tooltip: (handler, event, item, value) =>
          value ? showTip(value, { left: event.clientX, right: event.clientX, top: event.clientY, bottom: event.clientY }) : hideTip(),
      });
      makeKeyboard(card);
    };

    // Drawn when it comes near, so that a page of many settings opens at once.
    const watch = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        watch.disconnect();
        draw();
        box.addEventListener("change", draw);
        document.getElementById("variants")?.addEventListener("change", draw);
      },
      { rootMargin: "600px" },
    );
    box.hidden = false;
    watch.observe(card);
  }
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") hideTip();
  });
}
