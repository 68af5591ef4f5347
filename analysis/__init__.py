"""From a grid's results to tables, figures and one HTML report: `python -m analysis STORAGE/<grid name>`.

    seeds, load → scores → intervals → statistics → student, verdicts, takeaways ┐
                         └──────→ tables, details, figures ──────────────────────┴→ report

Of several grids: recipe → changes → side_by_side, beside the report of each. To W&B: report → wandb_report → wandb.

Reads result rows and artefacts through `har_ray.store.results` and nothing else, so it needs neither Ray nor torch.
"""
