# gnuplot curves.gp: curves.svg from edge.csv and cloud.csv, the logs of the models that ship.
set terminal svg size 720,300 font "sans,11"
set output "curves.svg"
set datafile separator ","
set multiplot layout 1,2
set xlabel "million tokens"
set ylabel "loss of an answer's token"
set logscale y
set grid
plot "edge.csv" using ($2/1e6):4 every ::1 with lines title "edge", "cloud.csv" using ($2/1e6):4 every ::1 with lines title "cloud"
unset logscale y
set ylabel "right, split calibration"
set yrange [0:1]
set key bottom right
plot "< awk -F, '$5 != \"\"' edge.csv" using ($2/1e6):5 every ::1 with linespoints title "edge", \
     "< awk -F, '$5 != \"\"' cloud.csv" using ($2/1e6):5 every ::1 with linespoints title "cloud"
