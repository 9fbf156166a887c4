-- A table: rows as they were at the time of `dbt run`.
{{ config(materialized='table') }}
SELECT date_trunc('day', hour AT TIME ZONE 'UTC') AS day, sum(sales) AS sales, sum(revenue) AS revenue FROM {{ source('parallax', 'sales_by_hour') }} GROUP BY day
