-- Grows by what has changed since the last `dbt run`, and takes every row again that a batch run has corrected. A row that is gone stays, and says so:
-- operation is 'delete'. Where changes from then on are not kept any more, can_follow is an error (PLX01): `dbt run --full-refresh`.
{{ config(materialized='incremental', unique_key='key', incremental_strategy='delete+insert') }}
SELECT DISTINCT ON (key) key, operation, hour, shop, sales, revenue, coalesce(change, parallax.change('sales_by_hour')) AS change
FROM serving.sales_by_hour_changes
WHERE
{% if is_incremental() %}
  change > (SELECT max(change) FROM {{ this }}) AND parallax.can_follow('sales_by_hour', (SELECT max(change) FROM {{ this }}))
{% else %}
  change IS NULL
{% endif %}
ORDER BY key, change DESC
