-- A view: rows are as live as those that it reads.
{{ config(materialized='view') }}
SELECT shop, sum(sales) AS sales, sum(revenue) AS revenue FROM {{ source('parallax', 'sales_by_hour') }} GROUP BY shop
