# Drawn from what plot.c hands over: see analysis/README.md.
set border 3 lc rgb '#555555'
set grid lc rgb '#e4e4e4' lt 1
set tics nomirror out scale 0.5
do for [p = 1:panels] {
  do for [v = 1:variants] {
    @PLACE
    @KEY
    set xrange [x_least[p] - 0.05:x_most[p] + 0.05]
    set yrange [y_low[p]:y_high[p]]
    set xlabel x_title[p]
    set ylabel (v == 1 ? y_title[p] : '') offset 1,0
    set title (p == 1 ? variant[v] : '')
    plot for [l = 1:labels] $point index ((p - 1) * variants + v - 1) * labels + l - 1 \
           using 1:4 with points lc rgb colour[l] pt symbol[l] ps 1.8 title label[l]
  }
}
