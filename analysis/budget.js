// The form "What fits a budget": analysis/budget.py has made every sentence that a budget can call for; this picks and
// joins them, so that the page says to the letter what the command says. A budget is a list of [cost, most].
"use strict";
{
  const { costs, settings } = JSON.parse(document.getElementById("budget-data").textContent);
  const form = document.getElementById("budget-form");
  const said = document.getElementById("budget-said");
  const fields = [...form.querySelectorAll("input")]; // in the order in which the command names costs
  const ADDRESS = "#budget:";

  const DECIMALS = { latency_ms: { minimumFractionDigits: 2, maximumFractionDigits: 3 } };

  const amount = (cost, count) => `${count.toLocaleString("en-US", DECIMALS[cost])} ${costs[cost].unit}`;

  const above = (model, budget) =>
    budget
      .filter(([cost, most]) => !(model.costs[cost] <= most)) // nor is an unknown one within anything
      .map(([cost]) => (cost in model.costs ? amount(cost, model.costs[cost]) : `an unknown number of ${costs[cost].unit}`));

  const described = (model, budget) => {
    const known = budget.filter(([cost]) => cost in model.costs).map(([cost]) => amount(cost, model.costs[cost]));
    return `${[model.variant, ...known].join(", ")}; ${model.scores}`;
  };

  const lines = ({ models, outcomes }, budget) => {
    const within = [...models.keys()].filter((rank) => !above(models[rank], budget).length);
    if (models.length && !within.length) {
      return models.map((model) => `nothing: ${model.variant} has ${above(model, budget).join(", ")}`);
    }
    const sentences = outcomes[within.slice(0, 2).join()].map(
      ([before, rank, after]) => before + (rank === null ? "" : described(models[rank], budget)) + after,
    );
    const unknown = models.filter((model) => budget.some(([cost]) => !(cost in model.costs))).map((m) => m.variant);
    const leftOut = `left out, because not every cost of the budget is known of them: ${unknown.join(", ")}`;
    return unknown.length ? [...sentences, leftOut] : sentences;
  };

  const element = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });

  const section = (setting, budget) => {
    const limits = budget.map(([cost, most]) => amount(cost, most)).join(", ");
    return [element("h3", `${setting.title}: within ${limits}`), ...lines(setting, budget).map((l) => element("p", l))];
  };

  const isFaulty = (field) => !new RegExp(`^(${costs[field.name].pattern})?$`).test(field.value.trim());

  const mark = (field) => {
    const fault = isFaulty(field) ? `expected ${costs[field.name].expected}` : "";
    field.setAttribute("aria-invalid", Boolean(fault));
    document.getElementById(`${field.id}-fault`).textContent = fault;
  };

  // Counts as BigInt, because Python's whole numbers have no largest one either.
  const most = (field) => (field.name in DECIMALS ? Number : BigInt)(field.value.trim());
  const limited = () => fields.filter((f) => f.value.trim()).map((f) => [f.name, most(f)]);

  const show = () => {
    fields.forEach(mark);
    const budget = fields.some(isFaulty) ? [] : limited();
    said.replaceChildren(...(budget.length ? settings.flatMap((setting) => section(setting, budget)) : []));
    return budget;
  };

  const readAddress = () => {
    if (!location.hash.startsWith(ADDRESS)) return;
    const parts = new URLSearchParams(location.hash.slice(ADDRESS.length).replaceAll(",", "&"));
    const asked = Object.fromEntries(parts); // as in the command, the last one of a cost counts
    for (const field of fields) field.value = asked[field.name] ?? "";
    show();
    const unknown = Object.keys(asked).filter((cost) => !Object.hasOwn(costs, cost));
    if (unknown.length) said.replaceChildren(element("p", `Not known of any model here: ${unknown.join(", ")}.`));
    document.getElementById("budget").scrollIntoView();
  };

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    const parts = show().map(([cost, most]) => `${cost}=${most}`);
    history.replaceState(null, "", parts.length ? ADDRESS + parts.join() : "#budget");
  });
  addEventListener("hashchange", readAddress);
  form.hidden = false;
  readAddress();
}
