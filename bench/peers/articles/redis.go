// As much of a Redis client as this service needs, one command at a time, so that it builds without a module of others.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

type connection struct {
	stream net.Conn
	reader *bufio.Reader
	writer *bufio.Writer
}

func connect(address string) (*connection, error) {
	stream, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &connection{stream, bufio.NewReader(stream), bufio.NewWriter(stream)}, nil
}

// Sends a command and waits for a simple string, an integer or a bulk string. Redis' own errors are errors.
func (c *connection) do(words ...string) (string, error) {
	fmt.Fprintf(c.writer, "*%d\r\n", len(words))
	for _, word := range words {
		c.writer.WriteByte('$')
		c.writer.WriteString(strconv.Itoa(len(word)))
		c.writer.WriteString("\r\n")
		c.writer.WriteString(word)
		c.writer.WriteString("\r\n")
	}
	// The first error of a bufio.Writer is also that of its Flush.
	if err := c.writer.Flush(); err != nil {
		return "", err
	}
	line, err := c.reader.ReadString('\n')
	if err != nil {
		return "", err
	}
	kind, text := line[0], strings.TrimRight(line[1:], "\r\n")
	switch kind {
	case '+', ':':
		return text, nil
	case '$':
		return c.bulk(text)
	case '-':
		return "", fmt.Errorf("Redis answers %s", text)
	}
	return "", fmt.Errorf("Redis answers %q, which this service does not read", line)
}

func (c *connection) bulk(length string) (string, error) {
	bytes, err := strconv.Atoi(length)
	if err != nil || bytes < 0 {
		return "", fmt.Errorf("a bulk string of length %q", length)
	}
	body := make([]byte, bytes+2)
	if _, err := io.ReadFull(c.reader, body); err != nil {
		return "", err
	}
	return string(body[:bytes]), nil
}
