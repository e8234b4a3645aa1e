-- How long users wait: the share of the answered requests of all seeds that is faster than x; at most some 200
-- points a line.
WITH kind(panel, x_title) AS (VALUES (1, 'time to the first token, s'), (2, 'time to the whole answer, s')),
wait AS (SELECT k.panel, k.x_title, r.variant, r.label || CASE r.cheats WHEN 0 THEN '' ELSE '*' END AS label,
  CASE k.panel WHEN 1 THEN q.ttft ELSE q.e2e END AS x
  FROM request q JOIN run r ON r.id = q.run, kind k WHERE q.status = 0 AND r.state = 'done'),
ranked AS (SELECT *, row_number() OVER w AS k, count(*) OVER (PARTITION BY panel, variant, label) AS n
  FROM wait WHERE x > 0 WINDOW w AS (PARTITION BY panel, variant, label ORDER BY x))
SELECT panel, x_title, 'share of answered requests' AS y_title, variant, label, 'point' AS part,
  x, NULL AS low_x, NULL AS high_x, 1.0 * k / n AS y, NULL AS low_y, NULL AS high_y
FROM ranked WHERE k = 1 OR k = n OR k % max(1, n / 200) = 0 ORDER BY panel, variant, label, k;
