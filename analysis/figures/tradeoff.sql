-- What quality costs: in money, with the hull (choosing at random between two policies reaches any point of the line
-- between them), and in waiting, with the front (no such thing holds of medians).
WITH kind(axis, panel, scale, x_title) AS (VALUES
  ('dollars', 1, 1000.0, '$ per 1,000 requests'), ('e2e_p50', 2, 1.0, 'median time to the whole answer, s')),
title(y_title) AS (SELECT CASE WHEN EXISTS (SELECT 1 FROM label WHERE seeds > 0 AND (provenance_quality = 'assumed'
  OR answers LIKE 'synthetic%')) THEN 'quality (synthetic answers)' ELSE 'quality' END),
point AS (SELECT k.panel, k.x_title, t.y_title, c.variant, c.label || CASE c.cheats WHEN 0 THEN '' ELSE '*' END AS label,
  k.scale * c.cost AS x, k.scale * c.low_cost AS low_x, k.scale * c.high_cost AS high_x,
  c.quality AS y, c.low_quality AS low_y, c.high_quality AS high_y
  FROM v_curve c JOIN kind k ON k.axis = c.axis, title t),
best AS (SELECT DISTINCT k.panel, k.x_title, t.y_title, p.variant, k.scale * p.cost AS x, p.quality AS y
  FROM v_pareto p JOIN kind k ON k.axis = p.axis, title t),
hull AS (SELECT * FROM best b WHERE panel = 1 AND NOT EXISTS (SELECT 1 FROM best l JOIN best r ON l.panel = r.panel
  AND l.variant = r.variant WHERE l.panel = b.panel AND l.variant = b.variant AND l.x < b.x AND b.x < r.x
  AND l.y + (r.y - l.y) * (b.x - l.x) / (r.x - l.x) >= b.y))
SELECT * FROM (
  SELECT panel, x_title, y_title, variant, label, 'point' AS part, x, low_x, high_x, y, low_y, high_y FROM point
  UNION ALL SELECT panel, x_title, y_title, variant, 'hull', 'line', x, NULL, NULL, y, NULL, NULL FROM hull
  UNION ALL SELECT panel, x_title, y_title, variant, 'front', 'steps', x, NULL, NULL, y, NULL, NULL FROM best WHERE panel = 2)
ORDER BY panel, part, x, y;
