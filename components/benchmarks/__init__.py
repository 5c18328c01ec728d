"""`pb-rlsvr evaluate`: base and adapters on published benchmarks, each asked as its published set-up asks.

A set-up is a file of `setups/`. Data flow: `rows` (a folder or the hub) → `items` (prompts) → `answer` (a model) →
`read` (answers, verdicts) → `summary` (figures) → `shown` (tables, report), `logged` (MLflow); `run` chains them.
"""
