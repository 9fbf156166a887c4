-- Whatever moment it is: both views have the same sales, each over 2.50.
SELECT h.sales, h.revenue, s.sales AS by_shop
FROM (SELECT sum(sales) AS sales, sum(revenue) AS revenue FROM {{ source('parallax', 'sales_by_hour') }}) h,
     (SELECT sum(sales) AS sales FROM {{ source('parallax', 'sales_by_shop') }}) s
WHERE h.sales <> s.sales OR h.revenue <> 2.50 * h.sales
